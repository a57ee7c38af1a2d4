import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialise } from './initdb.js';

describe('a new data folder of PostgreSQL', () => {
  const base = mkdtempSync(join(tmpdir(), 'initdb-'));
  const data = join(base, 'data');
  const initdb = join(base, 'initdb');
  afterAll(() => {
    rmSync(base, { recursive: true });
  });

  it('is not at its place before it is whole, whatever an earlier start left there', () => {
    // As initdb: it writes the version first, so a folder that has it was taken for whole.
    writeFileSync(initdb, '#!/bin/sh\nls -A > seen\necho 18 > "$2/PG_VERSION"\nexit $(cat result)\n', { mode: 0o755 });
    mkdirSync(data);
    mkdirSync(`${data}.part/base`, { recursive: true });
    writeFileSync(join(base, `.initial-${String(process.pid)}`), 'of a process with this number');
    writeFileSync(join(base, 'result'), '1');
    const make = (): void => {
      initialise({ binaries: { initdb }, data, base, user: undefined }, 'secret');
    };
    expect(make).toThrow('could not make its data folder');
    expect([readdirSync(data), existsSync(`${data}.part`)]).toEqual([[], false]);
    rmSync(data, { recursive: true });
    writeFileSync(join(base, 'result'), '0');
    make();
    expect(readFileSync(join(base, 'seen'), 'utf8').split('\n')).not.toContain('data');
    expect(readdirSync(base).sort()).toEqual(['data', 'initdb', 'result', 'seen']);
    expect(readdirSync(data)).toEqual(['PG_VERSION']);
  });
});
