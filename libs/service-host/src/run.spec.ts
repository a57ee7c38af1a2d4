import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const run = (script: string): { readonly code: number | null; readonly out: string; readonly error: string } => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script],
    { cwd: join(import.meta.dirname, '..'), encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  );
  return { code: status, out: stdout, error: stderr };
};
const importing = `import { runService } from './src/run.ts';`;

describe('runService', () => {
  it('lets the files of drizzle-orm find each other without reading its package.json', () => {
    const { out } = run(`
      import { registerHooks } from 'node:module';
      ${importing}
      let lookups = 0;
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier.startsWith('.') && context.parentURL?.includes('/drizzle-orm/')) lookups += 1;
          return next(specifier, context);
        },
      });
      runService(import.meta.url, async () => {
        const { drizzle } = await import('drizzle-orm/node-postgres');
        const { eq } = await import('drizzle-orm');
        process.stdout.write([typeof drizzle, typeof eq, lookups].join(' '));
      });`);
    expect(out).toBe('function function 0');
  });

  it('exits with 2 and only the message for a wrong configuration, with 1 and a stack trace for anything else', () => {
    const wrong = run(
      `${importing} runService(import.meta.url, () => Promise.reject(Object.assign(new Error('PORT is not set'), { code: 'CONFIGURATION_INVALID' })));`,
    );
    expect(wrong).toEqual({ code: 2, out: '', error: 'PORT is not set\n' });
    const other = run(`${importing} runService(import.meta.url, () => Promise.reject(new Error('no database')));`);
    expect([other.code, other.error]).toEqual([1, expect.stringMatching(/^Error: no database\n {4}at /)]);
  });
});
