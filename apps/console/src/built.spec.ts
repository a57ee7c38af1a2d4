import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const names = readdirSync(new URL('assets/', dist)).filter((name) => /\.(?:js|css)$/.test(name));
const textOf = (name: string): string => readFileSync(new URL(`assets/${name}`, dist), 'utf8');

/** Bytes, gzipped: all that a browser may ever have to load. */
const SCRIPT_LIMIT = 200 * 1024;
/** Bytes, gzipped: before the trail is there. */
const FIRST_LIMIT = 150 * 1024;

describe('the built console', () => {
  const sizeOf = (name: string): number => gzipSync(textOf(name), { level: 9 }).length;

  it('has at most 200 KiB of script in all, gzipped', () => {
    const scripts = names.filter((name) => name.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(2);
    expect(scripts.reduce((sum, name) => sum + sizeOf(name), 0)).toBeLessThanOrEqual(SCRIPT_LIMIT);
  });

  it('loads at most 150 KiB of it before the trail is there', () => {
    const page = readFileSync(new URL('index.html', dist), 'utf8');
    const first = names.filter((name) => name.endsWith('.js') && (page.includes(name) || name.startsWith('trail-')));
    expect(first.length).toBeGreaterThanOrEqual(2);
    expect(first.reduce((sum, name) => sum + sizeOf(name), 0)).toBeLessThanOrEqual(FIRST_LIMIT);
  });

  it('has neither a script nor a style in its page, and loads nothing from another host', () => {
    const page = readFileSync(new URL('index.html', dist), 'utf8');
    expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\bsrc=)/);
    expect(page).not.toMatch(/(?:src|href)="(?!\/)/);
    for (const name of names.filter((one) => one.endsWith('.css')))
      expect(textOf(name)).not.toMatch(/@import|url\((?!["']?\/)/);
  });
});
