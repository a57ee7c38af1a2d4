import { type Command } from 'commander';
import * as acceptGap from './accept-gap.js';
import * as deadLetters from './dead-letters.js';
import * as exporting from './export.js';
import { registerLogFiles } from './log-files.js';
import * as maskedValues from './masked-values.js';
import * as recover from './recover.js';
import * as search from './search.js';
import * as stats from './stats.js';
import * as tail from './tail.js';
import { registerVerify } from './verify.js';

/** `countersign audit`: the audit trail. */
export function register(program: Command): void {
  const audit = program.command('audit').summary('the audit trail').description('Reads and checks the audit trail.');
  for (const { register: add } of [search, tail, exporting, stats, deadLetters, maskedValues, acceptGap, recover])
    add(audit);
  registerVerify(audit);
  registerLogFiles(audit);
}
