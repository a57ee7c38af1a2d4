export { countersign, type CommandRun } from './countersign.js';
export { freePortBase } from './free-ports.js';
export { clientsFile } from './client-policies.js';
export { writeSecret, type Identities } from './identities.js';
export { between, pick, seededRandom, type Random } from './random.js';
export { makeSamplePayment } from './sample-payment.js';
export {
  databaseUrlFile,
  natsPasswordFile,
  serviceNames,
  waitUntilReady,
  type RunningService,
  type ServiceName,
} from './services.js';
export { shortTimes } from './short-times.js';
export { startStack, type Stack } from './stack.js';
export { type StackOptions } from './stack-options.js';
export { StackError, wordsFor } from './stack-error.js';
export { whole } from './whole-number.js';
