import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Page } from 'playwright-core';

/**
 * What axe would find the same faults in: elements and what decides their roles, names and looks, without what they say. Of equal
 * elements in a row one counts, and of equal ones in a list or a table, whatever their order.
 */
const SHAPE = `(() => {
  const LISTS = 'head, ul, ol, tbody, datalist, select, svg, svg g, [role=rowgroup], [role=list], [role=listbox]';
  const deciding = new Set(['class', 'role', 'type', 'style', 'lang', 'dir', 'scope', 'tabindex', 'rel', 'aria-hidden', 'aria-live']);
  const one = ({ name, value }) => {
    if (name === 'data-seen') return '';
    return deciding.has(name) ? name + '=' + value.replace(/[0-9.]+/g, '0') : name + (value.trim() === '' ? '' : '=…');
  };
  const shape = (element) => {
    if (element.matches('link[rel=modulepreload]')) return '';
    const within = [];
    const isList = element.matches(LISTS);
    for (const node of element.childNodes) {
      const next = node.nodeType === 1 ? shape(node) : node.nodeType === 3 && node.data.trim() !== '' ? '…' : '';
      if (next !== '' && !(isList ? within.includes(next) : next === within.at(-1))) within.push(next);
    }
    if (isList) within.sort();
    return '<' + element.localName + ' ' + [...element.attributes].map(one).filter((said) => said !== '').sort().join(' ') + '>' + within.join('') + '</>';
  };
  const media = ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map((query) => matchMedia(query).matches);
  return [document.title === '', innerWidth, innerHeight, ...media, shape(document.documentElement)].join('\\n');
})()`;
/**
 * Minified, half as long: each page gets it through the protocol that drives the browser. As ASCII, since a dozen other characters make
 * every copy of it on the way twice as long.
 */
const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8').replaceAll(
  /[^\0-\x7f]/g,
  (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
);
/** Without loading style sheets and sounds beforehand: no rule that is on reads the former, and no page has the latter. */
const FAULTS = `axe.run(document, { resultTypes: ['violations'], preload: false }).then(({ violations }) =>
  violations.map(({ id, help, nodes }) => id + ': ' + help + ': ' + nodes.map(({ html }) => html).join(' ')))`;
/** The shapes in which axe found nothing. */
const sound = new Set<string>();

/** What axe finds wrong with a page as it is now, unless it checked exactly the same before: it only sees the document and its styles. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  const shape = await page.evaluate<string>(SHAPE);
  if (sound.has(shape)) return [];
  for (const frame of page.frames()) if (await frame.evaluate<boolean>('!("axe" in window)')) await frame.evaluate(AXE);
  const faults = await page.evaluate<readonly string[]>(FAULTS);
  if (faults.length === 0) sound.add(shape);
  return faults;
}
