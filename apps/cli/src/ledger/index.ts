import { type Command } from 'commander';
import { register as registerCheck } from './check.js';

/** `countersign ledger …`: the accounts service's ledger. */
export function register(program: Command): void {
  registerCheck(
    program.command('ledger').summary('check the ledger').description('The ledger of the accounts service.'),
  );
}
