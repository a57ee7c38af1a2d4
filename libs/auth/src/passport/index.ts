/**
 * `@countersign/auth/passport`: first-seen bearer tokens of HTTP requests pass through Passport, for an application whose other ways in are
 * Passport's. It needs `@nestjs/passport`, `passport` and `passport-jwt`.
 */
export { passportBearer } from './passport-bearer.js';
