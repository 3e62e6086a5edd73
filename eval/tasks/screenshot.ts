/** Read a screenshot: what it shows stands nowhere else. */
import assert from 'node:assert/strict';
import { packageJson } from './files.ts';
import { drawText } from './picture.ts';
import type { Task } from './task.ts';

const SHOWN = { port: 8417, retries: 36, mode: 'quiet', keepLogs: true, sendReports: false, backup: true };
const LINES = [
  '  OLD RELAY   SETTINGS  ',
  '                        ',
  ' PORT           8417    ',
  ' RETRIES        36      ',
  ' MODE           QUIET   ',
  ' [X] KEEP LOGS          ',
  ' [ ] SEND REPORTS       ',
  ' [X] BACKUP             ',
];

const toFile = (settings: object) => `${JSON.stringify(settings, null, 2)}\n`;
const look = { look: 'docs/old-settings.png' };

export const screenshot: Task = {
  name: 'screenshot',
  about: 'read a screenshot',
  commits: [
    {
      message: 'Begin the new relay',
      files: {
        'package.json': packageJson('relay'),
        'docs/old-settings.png': drawText(LINES),
        'settings.json': toFile({
          port: 8080,
          retries: 3,
          mode: 'normal',
          keepLogs: false,
          sendReports: true,
          backup: false,
        }),
        'src/settings.mjs': `import { readFileSync } from 'node:fs';

const MODES = ['normal', 'quiet', 'debug'];
const settings = JSON.parse(readFileSync(new URL('../settings.json', import.meta.url), 'utf8'));
if (!MODES.includes(settings.mode)) throw new RangeError('there is no mode ' + settings.mode);

export default settings;
`,
      },
    },
  ],
  turns: [
    {
      prompt:
        'The new relay is to run with the settings of the old one. `docs/old-settings.png` is a screenshot of them. Put them into `settings.json`.',
      solution: [look, { write: 'settings.json', text: toFile(SHOWN) }],
      // A digit and a mark are read wrongly.
      spoilt: [look, { write: 'settings.json', text: toFile({ ...SHOWN, port: 8477, sendReports: true }) }],
    },
  ],
  async check(left) {
    const printed = await left.print(
      `node --input-type=module -e "import settings from '/tmp/check/copy/src/settings.mjs'; console.log(JSON.stringify(settings))"`,
    );
    assert.deepEqual(JSON.parse(printed), SHOWN);
  },
};
