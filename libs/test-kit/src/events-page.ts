import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { catalogueToMarkdown } from '@countersign/audit-event';

/** What a page and the catalogue say about a service's events; both without the blanks that a formatter adds. */
export interface EventsPage {
  readonly documented: string;
  readonly declared: string;
}

const plain = (markdown: string): string =>
  markdown
    .replaceAll(/ *\| */g, '|')
    .replaceAll(/-{3,}/g, '---')
    .trim();

/**
 * Compares a section of a Markdown page with a catalogue: `expect(page.documented).toBe(page.declared)`. The section is between `<!-- orders -->` and
 * `<!-- /orders -->`. With `UPDATE_DOCS=1` in the environment the section is written instead; format the page afterwards.
 * @param path of the page; it must exist
 * @param catalogue as `defineEvents` of `@countersign/audit-event` returns it
 * @throws {Error} when the page has no such section
 */
export function readEventsPage(path: string, catalogue: Parameters<typeof catalogueToMarkdown>[0]): EventsPage {
  const begin = `<!-- ${catalogue.source} -->`;
  const end = `<!-- /${catalogue.source} -->`;
  const page = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const [first, last] = [page.indexOf(begin), page.indexOf(end)];
  if (first === -1 || last < first)
    throw new Error(`${path} has no section between ${begin} and ${end}; add the two lines`);
  const declared = catalogueToMarkdown(catalogue);
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(path, `${page.slice(0, first + begin.length)}\n\n${declared}\n${page.slice(last)}`);
    return { documented: plain(declared), declared: plain(declared) };
  }
  return { documented: plain(page.slice(first + begin.length, last)), declared: plain(declared) };
}
