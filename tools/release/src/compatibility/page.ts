import { readFileSync, writeFileSync } from 'node:fs';

/** Puts tables between the comments `<!-- name -->` and `<!-- /name -->` of a page. @throws {Error} for a page without the comments */
export function writeTables(path: string, tables: Readonly<Record<string, string>>): void {
  let page = readFileSync(path, 'utf8');
  for (const [name, table] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- /${name} -->)`);
    if (!place.test(page)) throw new Error(`${path} has no place for the table ${name}`);
    page = page.replace(place, (_all, open: string, close: string) => `${open}\n${table}\n\n${close}`);
  }
  writeFileSync(path, page);
}
