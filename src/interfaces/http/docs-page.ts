/** A page for people who use the API. It is written as a whole, so that it needs no script and no request to elsewhere. */
import type { Document, Operation } from './openapi.ts';
import { PROBLEMS } from './problem.ts';

export function toDocsPage(document: Document): { html: string; css: string } {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(operations.map(({ operation }) => operation.tags[0] ?? ''))];
  const sections = tags.map((tag) => {
    const own = operations.filter(({ operation }) => operation.tags[0] === tag);
    return `<section><h2 id="${text(tag)}">${text(tag)}</h2>${own.map(toArticle).join('')}</section>`;
  });
  const contents = tags.map((tag) => `<li><a href="#${text(tag)}">${text(tag)}</a></li>`).join('');
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bobbin: HTTP API</title><link rel="stylesheet" href="/docs.css"></head>
<body><header><h1>Bobbin: HTTP API</h1><p>${prose(document.info.description)} The same as
<a href="/openapi.json">OpenAPI 3.1</a>. Send <code>Authorization: Bearer</code> and a token with every request.</p>
<nav aria-label="Contents"><ul>${contents}<li><a href="#problems">Problems</a></li></ul></nav></header>
<main>${sections.join('')}${toProblems()}</main></body></html>
`;
  return { html, css: CSS };
}

function toArticle({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const rows = parameters.map(
    (one) =>
      `<tr><td><code>${text(one.name)}</code></td><td>${one.in}</td><td>${prose(describeSchema(one.schema))}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, { description: says }]) => `<tr><td>${status}</td><td>${prose(says)}</td></tr>`,
  );
  const [body] = Object.values(requestBody?.content ?? {});
  return `<article id="${text(operationId)}"><h3><span class="method">${method.toUpperCase()}</span> <code>${text(path)}</code></h3>
<p><strong>${prose(summary)}.</strong> ${description.split('\n\n').map(prose).join(' ')}</p>
${rows.length === 0 ? '' : `<table><caption>Parameters</caption><tbody>${rows.join('')}</tbody></table>`}
${body === undefined ? '' : `<details><summary>Body</summary><pre>${text(JSON.stringify(body.schema, null, 2))}</pre></details>`}
<table><caption>Answers</caption><tbody>${answers.join('')}</tbody></table></article>`;
}

function describeSchema(schema: { description?: string; enum?: string[]; type?: string }): string {
  return schema.description ?? schema.enum?.map((one) => `\`${one}\``).join(', ') ?? schema.type ?? '';
}

function toProblems(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) =>
      `<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td>${text(title)}</td></tr>`,
  );
  return `<section><h2 id="problems">Problems</h2><table><caption>The codes of failed requests</caption><tbody>${rows.join('')}</tbody></table></section>`;
}

function text(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function prose(value: string): string {
  return text(value).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

const CSS = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1rem; list-style: none; padding: 0; }
article { border-top: 1px solid #8884; padding: 0.5rem 0 1rem; }
h3 { font-weight: normal; overflow-wrap: anywhere; }
.method { font-weight: bold; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0; }
caption { text-align: left; font-weight: bold; }
td { border-bottom: 1px solid #8883; padding: 0.2rem 0.5rem 0.2rem 0; vertical-align: top; overflow-wrap: anywhere; }
pre { overflow-x: auto; }
`;
