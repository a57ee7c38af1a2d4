import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command } from 'commander';
import { ExitCode } from './cli-error.js';
import { createProgram } from './program.js';
import { run } from './run.js';

const pathsOf = (command: Command): readonly Command[] => [command, ...command.commands.flatMap(pathsOf)];

describe('a command line', () => {
  it('exits with the code of its outcome', async () => {
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = () => true;
    try {
      expect(await run(['audit', 'verify', '--no-such-option'])).toBe(ExitCode.usage);
      expect(await run(['audit', 'verify', join(import.meta.dirname, 'absent')])).toBe(ExitCode.usage);
    } finally {
      process.stderr.write = write;
    }
  });

  it('says in the help of each command what it does', () => {
    const silent = pathsOf(createProgram()).filter((command) => command.description() === '');
    expect(silent.map((command) => command.name())).toEqual([]);
  });

  // A code that a command sets beside that is lost: a check that found a fault once ended with 0.
  it('has no other exit code: only the program sets it', () => {
    const files = globSync('**/*.ts', { cwd: import.meta.dirname }).filter((file) => !file.endsWith('.spec.ts'));
    const setting = files.filter((file) =>
      readFileSync(join(import.meta.dirname, file), 'utf8').includes('process.exitCode'),
    );
    expect(setting).toEqual(['main.ts']);
  });
});
