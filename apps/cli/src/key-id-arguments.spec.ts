import { Command } from 'commander';
import { keyIdsLast } from './key-id-arguments.js';
import { createProgram } from './program.js';

const KID = '-4PO9t1G33l0QOnAIQ_qBU-3pIr8M66-jWBTyejfGLg';

/** What an action of `keys revoke` gets. */
async function revoked(args: readonly string[]): Promise<unknown> {
  const program = new Command('countersign').exitOverride().option('--json').version('1');
  let got: unknown;
  program
    .command('keys')
    .command('revoke <kid>')
    .option('--reason <text>')
    .action((kid: string, options: object) => {
      got = { kid, ...options, ...program.opts() };
    });
  await program.parseAsync(keyIdsLast(args, program), { from: 'user' });
  return got;
}

describe('the id of a key that begins with a hyphen', () => {
  it.each([KID, KID.replace('-4', '-V'), KID.replace('-4', '-h'), KID.replace('-4', '--')])(
    'is no option: %s',
    async (kid) => {
      expect(await revoked(['keys', 'revoke', kid, '--reason', 'stolen', '--json'])).toEqual({
        kid,
        reason: 'stolen',
        json: true,
      });
      expect(await revoked(['--json', 'keys', 'revoke', kid])).toEqual({ kid, json: true });
      expect(await revoked(['keys', 'revoke', '--', kid])).toEqual({ kid });
    },
  );

  it('stays the value of an option', () => {
    const args = ['clients', 'keys', 'shop', '--remove', KID];
    expect(keyIdsLast(args, createProgram())).toEqual(args);
  });
});
