import { Global, Module, type DynamicModule } from '@nestjs/common';
import { type SessionSettings } from '@countersign/auth';
import { SESSIONS } from '@countersign/service-host';
import { BackChannelLogout } from './back-channel-logout.service.js';
import { ConsoleCookies, cookieNameFor } from './console-cookies.service.js';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';
import { ConsoleSessions } from './console-sessions.service.js';
import { ConsoleSessionsStore } from './console-sessions.store.js';
import { ConsoleController } from './console.controller.js';
import { IssuerClient } from './issuer.client.js';
import { IssuerDoorController } from './issuer-door.controller.js';
import { SignIn } from './sign-in.service.js';

/** The header that identifies requests from the console's own pages. */
const CONSOLE_HEADER = 'x-countersign-console';

/** The console's own backend: sign-in, sessions, and the proxy to the issuer. Global, because the guard reads sessions. */
@Global()
@Module({})
export class ConsoleModule {
  static forRoot(options: ConsoleOptions): DynamicModule {
    return {
      module: ConsoleModule,
      controllers: [ConsoleController, IssuerDoorController],
      providers: [
        { provide: CONSOLE_OPTIONS, useValue: options },
        ConsoleCookies,
        ConsoleSessionsStore,
        IssuerClient,
        ConsoleSessions,
        BackChannelLogout,
        SignIn,
        {
          provide: SESSIONS,
          inject: [ConsoleSessions],
          useFactory: (sessions: ConsoleSessions): SessionSettings => ({
            cookie: cookieNameFor(options.origin, 'console'),
            header: CONSOLE_HEADER,
            origin: options.origin,
            tokenOf: (secret, refused) => sessions.tokenOf(secret, refused),
          }),
        },
      ],
      exports: [SESSIONS],
    };
  }
}
