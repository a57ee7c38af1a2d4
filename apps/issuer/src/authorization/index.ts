import { type Provider } from '@nestjs/common';
import { Consents } from '../consent/consents.service.js';
import { ConsentsStore } from '../consent/consents.store.js';
import { AuthorizationController } from './authorization.controller.js';
import { Authorization } from './authorization.service.js';
import { CodesStore } from './codes.store.js';
import { Granting } from './granting.service.js';
import { PushedRequestsController } from './pushed-requests.controller.js';
import { PushedRequests } from './pushed-requests.service.js';
import { RequestReader } from './request-reader.service.js';
import { AuthorizationRequests } from './requests.store.js';

export const authorizationControllers = [AuthorizationController, PushedRequestsController];

/** The providers of authorization, for the issuer's module. */
export const authorizationProviders: Provider[] = [
  AuthorizationRequests,
  RequestReader,
  CodesStore,
  ConsentsStore,
  Consents,
  Granting,
  Authorization,
  PushedRequests,
];
