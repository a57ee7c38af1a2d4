import { readFileSync, writeFileSync } from 'node:fs';

/** The code of a page under the name that follows its fence: ```` ```ts module ````. */
export function blockOf(page: string, name: string): string {
  const code = new RegExp('```ts ' + name + '\\n([\\s\\S]*?)```').exec(readFileSync(page, 'utf8'))?.[1];
  if (code === undefined) throw new Error(`${page} has no code named ${name}`);
  return code;
}

/** White space and dashes are Prettier's. */
const meant = (line: string): string => line.trim().replace(/ +/g, ' ').replace(/-+/g, '-');

/**
 * What a page has between `<!-- name -->` and `<!-- /name -->`, and what it should have; with `UPDATE_DOCS=1` that is written first.
 * @returns the lines of both, to be compared
 */
export function generated(page: string, name: string, lines: readonly string[]): readonly (readonly string[])[] {
  const place = new RegExp(`(<!-- ${name} -->\\n)([\\s\\S]*?)(<!-- /${name} -->)`);
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(
      page,
      readFileSync(page, 'utf8').replace(
        place,
        (_, open: string, _held, close: string) => `${open}\n${lines.join('\n')}\n\n${close}`,
      ),
    );
  }
  const [, , written = ''] = place.exec(readFileSync(page, 'utf8')) ?? [];
  return [written.trim().split('\n').map(meant), lines.join('\n').split('\n').map(meant)];
}
