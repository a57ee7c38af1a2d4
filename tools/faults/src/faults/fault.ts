import { type Stack } from '@countersign/stack';
import { type Load } from './load.js';
import { type Random } from './random.js';
import { type Storefront } from './storefront.js';

/** Where a fault strikes. */
export interface Scene {
  readonly stack: Stack;
  readonly random: Random;
  /** The client that pays in the meantime. */
  readonly storefront: Storefront;
  /** The payments that are made in the meantime. */
  readonly load: Pick<Load, 'further' | 'pause' | 'resume'>;
  /** What an auditor holds: the log must verify against it at the end. */
  readonly keepCheckpoint: (checkpoint: string) => void;
  /** The fault happens now: signals of it count from this point; without this call, from the beginning of `strike`. */
  readonly struck: () => void;
  /** Further counts that the fault adds to the report. */
  readonly note: (counts: Readonly<Record<string, number>>) => void;
  /** Reports something that must not be; the round continues. */
  readonly wrong: (what: string) => void;
}

/** What an operator does in some weeks of a year. */
export type Drill = 'restore' | 'rotation';

/** Something that happens to a stack while payments are made. */
export interface Fault {
  readonly name: string;
  /** The drill that it is a part of: `--only` takes the drill's name for all its parts. */
  readonly drill?: Drill;
  /** Whether it needs a special stack, and so happens only when it is named. */
  readonly byNameOnly?: boolean;
  /** Whether no client may notice it: then a request that has to be sent again is wrong, though it went well in the end. */
  readonly unfelt?: boolean;
  /** Whether people sign in in the meantime, for which the stack also runs the development OpenID provider. */
  readonly needsPeople?: boolean;
  /** Whether a payment may learn a step a second time, which the trail then has twice. */
  readonly relearns?: boolean;
  /** Does it, at its own time; when it resolves, everything runs again. */
  strike(scene: Scene): Promise<void>;
}
