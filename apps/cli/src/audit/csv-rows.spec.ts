import fc from 'fast-check';
import { csvRows } from './csv-rows.js';

async function rowsOf(text: string, size: number): Promise<readonly (readonly string[] | undefined)[]> {
  async function* chunks(): AsyncGenerator<string> {
    await Promise.resolve();
    for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
  }
  const rows: (readonly string[] | undefined)[] = [];
  for await (const row of csvRows(chunks())) rows.push(row);
  return rows;
}
const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;

describe('rows of CSV', () => {
  it('are read as they were written, however they are cut', async () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', 'ä') });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 3 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 9 }),
        async (rows, size) => {
          expect(await rowsOf(rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join(''), size)).toEqual(rows);
        },
      ),
    );
    expect(await rowsOf('a,,b\r\nc', 3)).toEqual([['a', '', 'b'], ['c']]);
  });

  it('do not exist if a quote does not close, or is followed by more', async () => {
    expect(await rowsOf('"a"b\na\n"c', 2)).toEqual([undefined, ['a'], undefined]);
  });
});
