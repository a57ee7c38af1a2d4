/**
 * `@countersign/auth/passport`: first-seen bearer tokens of HTTP requests pass through Passport, for an application that uses Passport for its other
 * strategies. It needs `@nestjs/passport`, `passport` and `passport-jwt`.
 */
export { passportBearer } from './passport-bearer.js';
