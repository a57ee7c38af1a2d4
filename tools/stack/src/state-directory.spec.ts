import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { writeEnvironment } from './services.js';
import { openStateDirectory } from './state-directory.js';

describe('the folder of a local stack', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'state-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it('may be an empty one that was made for it, and no other that is there already', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    openStateDirectory(own, false).release();
    openStateDirectory(own, false).release();
    writeFileSync(join(folder, 'file'), '');
    for (const other of [folder, join(folder, 'file')])
      expect(() => openStateDirectory(other, false)).toThrow('was not made by a stack');
  });

  it('is taken over from a stack that was killed, also where there is no ps', () => {
    const path = join(folder, 'state');
    openStateDirectory(path, false);
    const { PATH } = process.env;
    process.env['PATH'] = '';
    try {
      for (const pid of ['', '1', String(process.ppid)]) {
        writeFileSync(join(path, 'lock'), pid);
        openStateDirectory(path, false);
        expect(readFileSync(join(path, 'lock'), 'utf8')).toBe(String(process.pid));
      }
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  it('gives each service its variables, whatever the folder is called', () => {
    const values = { PORT: '4000', KEY_FILE: "/home/ada/c#/it's mine/key.json", PADDED: ' x ', QUOTED: '"a"' };
    writeEnvironment(folder, 'orders', values);
    expect(parseEnv(readFileSync(join(folder, 'env/orders.env'), 'utf8'))).toEqual(values);
  });
});
