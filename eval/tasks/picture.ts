/** Draws lines of text as a screenshot in the form of PNG, so that no picture has to be kept. */
import { crc32, deflateSync } from 'node:zlib';

/** Seven rows of five points for each character, the five as one digit of base 32. */
const GLYPHS: Record<string, string> = {
  ...{ A: 'ehhvhhh', B: 'uhhuhhu', C: 'ehggghe', D: 'uhhhhhu', E: 'vgguggv', F: 'vgguggg', G: 'ehgnhhf', H: 'hhhvhhh' },
  ...{ I: 'e44444e', J: '72222ic', K: 'hikokih', L: 'ggggggv', M: 'hrllhhh', N: 'hppljjh', O: 'ehhhhhe', P: 'uhhuggg' },
  ...{ Q: 'ehhhlid', R: 'uhhukih', S: 'fgge11u', T: 'v444444', U: 'hhhhhhe', V: 'hhhhha4', W: 'hhhllla', X: 'hha4ahh' },
  ...{ Y: 'hha4444', Z: 'v1248gv', 0: 'ehjlphe', 1: '4c4444e', 2: 'eh1248v', 3: 'v2421he', 4: '26aiv22', 5: 'vgu11he' },
  ...{ 6: '68guhhe', 7: 'v124888', 8: 'ehhehhe', 9: 'ehhf12c', '[': 'e88888e', ']': 'e22222e', ' ': '0000000' },
};
const CELL = { width: 6, height: 11 };
const MARGIN = 6;
const SCALE = 4;
const [DARK, LIGHT] = [40, 240];

export function drawText(lines: readonly string[]): Uint8Array {
  const width = (Math.max(...lines.map(({ length }) => length)) * CELL.width + 2 * MARGIN) * SCALE;
  const height = (lines.length * CELL.height + 2 * MARGIN) * SCALE;
  const rows = Array.from({ length: height }, (_, y) =>
    Uint8Array.from({ length: width }, (_, x) => {
      const isFrame = Math.min(x, y, width - 1 - x, height - 1 - y) < SCALE;
      return isFrame || isDark(lines, Math.floor(x / SCALE) - MARGIN, Math.floor(y / SCALE) - MARGIN) ? DARK : LIGHT;
    }),
  );
  // Before each row, the number of its filter: none.
  return toPng(width, height, Buffer.concat(rows.map((row) => Buffer.concat([Uint8Array.of(0), row]))));
}

function isDark(lines: readonly string[], x: number, y: number): boolean {
  const [column, row] = [x % CELL.width, y % CELL.height];
  const character = lines[Math.floor(y / CELL.height)]?.[Math.floor(x / CELL.width)];
  if (x < 0 || y < 0 || character === undefined) return false;
  const points = GLYPHS[character];
  if (points === undefined) throw new Error(`There is no glyph for ${JSON.stringify(character)}.`);
  return ((Number.parseInt(points[row] ?? '0', 32) >> (4 - column)) & 1) === 1 && column < 5;
}

/** Shades of grey with 8 bits. */
function toPng(width: number, height: number, data: Buffer): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head[8] = 8;
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return Buffer.concat([
    signature,
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(data)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
