import { type Command } from 'commander';

/** A thumbprint (RFC 7638), the form of key ids: one in 64 begins with a hyphen. */
const HYPHENATED = /^-[\w-]{42}$/;

const optionsOf = (command: Command): readonly (string | undefined)[] => [
  ...command.options
    .filter(({ required, optional }) => required || optional)
    .flatMap(({ long, short }) => [long, short]),
  ...command.commands.flatMap(optionsOf),
];

/**
 * Moves key ids that look like options behind `--`: an operator who revokes a stolen key must not be refused because of its
 * first character. The value of an option stays in place.
 */
export function keyIdsLast(args: readonly string[], program: Command): readonly string[] {
  if (args.includes('--')) return args;
  const takingValues = new Set(optionsOf(program));
  const isKeyId = (arg: string, at: number): boolean => HYPHENATED.test(arg) && !takingValues.has(args[at - 1]);
  const ids = args.filter(isKeyId);
  return ids.length === 0 ? args : [...args.filter((arg, at) => !isKeyId(arg, at)), '--', ...ids];
}
