import { type Stack } from '../stack.js';
import { type Random } from './random.js';
import { type Storefront } from './storefront.js';

/** Where a fault strikes. */
export interface Scene {
  readonly stack: Stack;
  readonly random: Random;
  /** The client that pays meanwhile. */
  readonly storefront: Storefront;
  /** Tells of something that must not be; the round goes on. */
  readonly wrong: (what: string) => void;
}

/** Something that happens to a stack while payments are made. */
export interface Fault {
  readonly name: string;
  /** Whether no client may notice it: then a request that has to be sent again is wrong, though it went well in the end. */
  readonly unfelt?: boolean;
  /** Does it, at a moment of its own; when it resolves, everything runs again. */
  strike(scene: Scene): Promise<void>;
}
