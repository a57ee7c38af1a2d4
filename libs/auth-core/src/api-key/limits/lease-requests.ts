import { type LimitStore, type NamedLeaseRequest } from './limit-store.js';
import { type LeaseAnswer } from './shared-bucket.js';

interface Asked {
  readonly request: NamedLeaseRequest;
  readonly answered: (answer: LeaseAnswer) => void;
  readonly failed: (error: unknown) => void;
}

/** Requests that are sent to the store together. */
const GROUP_LIMIT = 500;

/** Asks the store for leases: requests that arrive while one call is in progress share the next. */
export class LeaseRequests {
  #asked: Asked[] = [];
  #asking = false;

  constructor(private readonly store: LimitStore) {}

  /** @throws what the store threw (the promise rejects) */
  ask(request: NamedLeaseRequest): Promise<LeaseAnswer> {
    return new Promise((answered, failed) => {
      this.#asked.push({ request, answered, failed });
      if (!this.#asking) void this.#askAll();
    });
  }

  async #askAll(): Promise<void> {
    this.#asking = true;
    await Promise.resolve();
    while (this.#asked.length > 0) {
      const group = this.#asked.splice(0, GROUP_LIMIT);
      try {
        const answers = await this.store.lease(group.map(({ request }) => request));
        group.forEach(({ answered, failed }, index) => {
          const answer = answers[index];
          if (answer === undefined) failed(new Error('the store returned fewer leases than were requested'));
          else answered(answer);
        });
      } catch (error) {
        for (const { failed } of group) failed(error);
      }
    }
    this.#asking = false;
  }
}
