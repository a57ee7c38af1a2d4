import { type Command } from 'commander';
import { registerLogFiles } from './log-files.js';
import { registerVerify } from './verify.js';

/** `countersign audit`: the audit trail. */
export function register(program: Command): void {
  const audit = program.command('audit').summary('the audit trail').description('Reads and checks the audit trail.');
  registerVerify(audit);
  registerLogFiles(audit);
}
