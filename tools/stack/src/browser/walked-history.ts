import { type Outboxes } from '../history/outboxes.js';
import { type Stack } from '../stack.js';
import { type Window } from './window.js';
import { type World } from './world.js';

/** A stack with a history, and the window of somebody who is signed in at the console. */
export interface WalkedHistory extends Pick<World, 'begin'> {
  readonly stack: Stack;
  /** Where more is put into the history. */
  readonly outboxes: Outboxes;
  readonly window: Window;
  /** A window of nobody yet. */
  open(): Promise<Window>;
}
