import { endQuietly } from './ending.js';
import { run } from './run.js';

endQuietly(process);
process.exitCode = await run(process.argv.slice(2));
