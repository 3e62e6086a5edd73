/** Begins the page. */
import { render } from 'preact';
import { App } from './app.tsx';
import { takeToken } from './base/token.ts';

takeToken();
const place = document.getElementById('page');
if (place !== null) render(<App />, place);
