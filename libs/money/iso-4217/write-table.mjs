// Writes src/iso-4217.ts from the lists beside this file, as the maintenance agency publishes them. Run: node libs/money/iso-4217/write-table.mjs
import { writeFileSync } from 'node:fs';
import { tableOf } from './read-lists.mjs';

const { published, current, historic } = tableOf();
const rows = (lines) => lines.map((line) => `  ${line},\n`).join('');
writeFileSync(
  new URL('../src/iso-4217.ts', import.meta.url),
  `// Written by iso-4217/write-table.mjs from the maintenance agency's lists; a test keeps the two in step.

/** When the lists were published. */
export const ISO_4217_PUBLISHED = '${published}';

/** List one, the current codes: how many decimal digits the minor unit has; null for those without one (precious metals, XXX, XTS). */
export const currentCurrencies: ReadonlyMap<string, number | null> = new Map<string, number | null>([
${rows(Object.entries(current).map(([code, digits]) => `['${code}', ${String(digits)}]`))}]);

/** List three, historic codes: when each was withdrawn, in the list's words. */
export const historicCurrencies: ReadonlyMap<string, string> = new Map<string, string>([
${rows(Object.entries(historic).map(([code, withdrawn]) => `['${code}', '${withdrawn}']`))}]);
`,
);
