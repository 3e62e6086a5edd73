/** Pages and files that need no token: they are the same for everybody, and show nothing of the threads. */
import type { App } from './app.ts';
import { toDocsPage } from './docs-page.ts';
import { createDocument } from './openapi.ts';
import { ENDPOINTS } from './routes/index.ts';

/** The page for people goes to `/` and `/assets/*`: the other addresses are those of the API. */
export function addPages(app: App): void {
  const document = createDocument(ENDPOINTS);
  const page = toDocsPage(document);
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/docs', (c) => c.html(page.html));
  app.get('/docs.css', (c) => c.body(page.css, 200, { 'content-type': 'text/css; charset=utf-8' }));
  app.get('/', (c) => c.redirect('/docs', 302));
}
