import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ClientAuthentication } from './client-authentication.js';

const EVERY_MS = 60_000;

/** Keeps the table of used assertions small. */
@Injectable()
export class AssertionPruning implements OnApplicationBootstrap, OnApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;

  constructor(@Inject(ClientAuthentication) private readonly authentication: ClientAuthentication) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.authentication.prune(), EVERY_MS);
    this.#timer.unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }
}
