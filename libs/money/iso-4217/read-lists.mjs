import { readFileSync } from 'node:fs';

const read = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const tag = (text, name) => new RegExp(`<${name}[^>]*>([^<]*)</${name}>`).exec(text)?.[1];
const sorted = (entries) => Object.fromEntries([...entries].sort(([one], [other]) => (one < other ? -1 : 1)));

/** What lists one and three say: the current codes with their minor units, the withdrawn ones with the last date of their withdrawal. */
export function tableOf() {
  const [one, three] = [read('list-one.xml'), read('list-three.xml')];
  const published = /Pblshd="([0-9-]+)"/.exec(one)?.[1];
  const current = new Map();
  for (const [entry] of one.matchAll(/<CcyNtry>[^]*?<\/CcyNtry>/g)) {
    const [code, digits] = [tag(entry, 'Ccy'), tag(entry, 'CcyMnrUnts')];
    if (code !== undefined) current.set(code, /^[0-9]$/.test(digits ?? '') ? Number(digits) : null);
  }
  const historic = new Map();
  for (const [entry] of three.matchAll(/<HstrcCcyNtry>[^]*?<\/HstrcCcyNtry>/g)) {
    const [code, withdrawn] = [tag(entry, 'Ccy'), tag(entry, 'WthdrwlDt')];
    if (code === undefined || withdrawn === undefined || current.has(code)) continue;
    if (withdrawn > (historic.get(code) ?? '')) historic.set(code, withdrawn);
  }
  return { published, current: sorted(current), historic: sorted(historic) };
}
