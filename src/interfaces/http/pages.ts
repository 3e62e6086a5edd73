/** Pages and files that need no token: they are the same for everybody, and show nothing of the threads. */
import type { App } from './app.ts';
import { toDocsPage } from './docs-page.ts';
import { createDocument } from './openapi.ts';
import { pageFiles } from './page-files.ts';
import { ENDPOINTS } from './routes/index.ts';

export function addPages(app: App): void {
  const document = createDocument(ENDPOINTS);
  const page = toDocsPage(document);
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/docs', (c) => c.html(page.html));
  app.get('/docs.css', (c) => c.body(page.css, 200, { 'content-type': 'text/css; charset=utf-8' }));
  for (const { path, mediaType, read } of pageFiles())
    app.get(path, async (c) => c.body(await read(), 200, { 'content-type': mediaType }));
}
