import { type Stack } from '../stack.js';
import { type Random } from './random.js';

/** Something that happens to a stack while payments are made. */
export interface Fault {
  readonly name: string;
  /** Does it, at a moment of its own; when it resolves, everything runs again. */
  strike(stack: Stack, random: Random): Promise<void>;
}
