import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const sources = globSync('{apps,libs,tools}/*/src/**/*.ts', { cwd: root })
  .filter((path) => !/\.spec\.ts$/.test(path))
  .map((path) => ({ path, text: readFileSync(resolve(root, path), 'utf8') }));

/** Columns that a statement returns as text under their own name, and by which it orders: PostgreSQL then takes the text, and 10 comes before 9. */
function orderedByText(source: string): readonly string[] {
  const statements = source.match(/'[^'\n]*\bselect\b[^'\n]*'|`[^`]*\bselect\b[^`]*`/g) ?? [];
  return statements.flatMap((statement) => {
    const texts = [...statement.matchAll(/(?<![$\w])(\w+)::text\b(?: as (\w+))?/g)].map(
      ([, column, name]) => name ?? column,
    );
    const orders = [...statement.matchAll(/\border by ([^()]*)/g)].flatMap(([, columns = '']) => columns.split(','));
    return orders.map((order) => order.trim().split(/\s/)[0] ?? '').filter((column) => texts.includes(column));
  });
}

describe('a statement that returns a number or a time as text', () => {
  it('does not order by that text', () => {
    expect(orderedByText("'select position::text from kept order by position limit 2'")).toEqual(['position']);
    expect(orderedByText('`select at::text as at from kept order by kept.at`')).toEqual([]);
    const found = sources.flatMap(({ path, text }) => orderedByText(text).map((column) => `${path}: ${column}`));
    expect(found).toEqual([]);
  });
});
