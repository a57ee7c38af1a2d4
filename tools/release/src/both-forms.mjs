/* eslint-disable @typescript-eslint/no-extraneous-class -- Nest's modules are empty classes */
// Loads the built packages as ES modules and as CommonJS in one process, and mixes them; says what came out. Run in a folder that has them.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import 'reflect-metadata';
import { Controller, Get, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createTestIssuer } from '@countersign/test-kit';

const require = createRequire(join(process.cwd(), 'package.json'));
const paths = [
  'auth',
  'auth-core',
  'service-host/problems',
  'service-host/trace',
  'service-host/refusals',
  'service-host/health',
  'service-host',
];
const forms = { import: {}, require: {} };
for (const path of paths) {
  forms.import[path] = await import(`@countersign/${path}`);
  forms.require[path] = require(`@countersign/${path}`);
}

/** Symbols that a package exports, and the same names of its other form. */
const symbols = paths.flatMap((path) =>
  Object.entries(forms.import[path])
    .filter(([, value]) => typeof value === 'symbol')
    .map(([name, value]) => ({ name: `${path} ${name}`, same: forms.require[path][name] === value })),
);
/** That both forms are there at all. */
const twoClasses = forms.import.auth.AuthModule !== forms.require.auth.AuthModule;
const request = { method: 'GET', headers: {}, socket: {} };
const [trace, again] = [forms.import, forms.require].map((form) => form['service-host/trace'].traceOf(request));

const decorate = (target, method, decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method);
  for (const one of decorators) one(target.prototype, method, descriptor);
};
const parameter = (target, method, index, decorator) => decorator(target.prototype, method, index);

/** An application whose modules are of one form and whose controllers use the other. */
async function mixed(modules, decorators) {
  const issuer = await createTestIssuer({ audience: 'orders' });
  const { RequireScopes, Public, CurrentPrincipal } = decorators.auth;
  const { Problem } = decorators['service-host/problems'];
  const { Trace } = decorators['service-host/trace'];
  class Orders {
    read(caller, trace) {
      return { readBy: caller.subject, requestId: trace.requestId };
    }
    sent() {
      throw new Problem(409, 'ORDER_SENT', 'The order has already been sent.');
    }
    open() {
      return { open: true };
    }
    undeclared() {
      return {};
    }
  }
  decorate(Orders, 'read', [Get('read'), RequireScopes('orders:read')]);
  parameter(Orders, 'read', 0, CurrentPrincipal());
  parameter(Orders, 'read', 1, Trace());
  decorate(Orders, 'sent', [Get('sent'), Public()]);
  decorate(Orders, 'open', [Get('open'), Public()]);
  decorate(Orders, 'undeclared', [Get('undeclared')]);
  Controller('orders')(Orders);
  class Root {}
  Module({
    imports: [
      modules.auth.AuthModule.forRoot({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch }),
      modules['service-host/problems'].ProblemsModule.forRoot(),
    ],
    controllers: [Orders],
  })(Root);
  const app = await NestFactory.create(Root, new FastifyAdapter(), { logger: false });
  await app.init();
  const verifier = app.get(decorators.auth.TOKEN_VERIFIER);
  const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
  const ask = async (path, headers = {}) => {
    const answer = await app.inject({ url: `/orders/${path}`, headers: { 'x-request-id': 'r-1', ...headers } });
    return [answer.statusCode, answer.json().code ?? answer.json()];
  };
  const bearer = { authorization: `Bearer ${token}` };
  const said = {
    read: await ask('read', bearer),
    none: await ask('read'),
    scope: await ask('read', { authorization: `Bearer ${await issuer.mint({ scopes: [] })}` }),
    sent: await ask('sent'),
    open: await ask('open'),
    undeclared: await ask('undeclared', bearer),
    verifier: verifier.verify(token).subject,
  };
  await app.close();
  return said;
}

/** What Nest says to a class of the form whose module is not there. */
async function ofTheOtherForm(modules, others) {
  class Lister {}
  Injectable()(Lister);
  Reflect.defineMetadata('design:paramtypes', [others.auth.RouteReport], Lister);
  class Root {}
  Module({
    imports: [modules.auth.AuthModule.forRoot({ issuer: 'https://issuer.test', audience: 'orders' })],
    providers: [Lister],
  })(Root);
  return NestFactory.createApplicationContext(Root, { logger: false, abortOnError: false }).then(
    () => 'started',
    (error) => error.message.split('\n')[0],
  );
}

const answers = {
  symbols,
  twoClasses,
  oneTrace: trace === again,
  importedModules: await mixed(forms.import, forms.require),
  requiredModules: await mixed(forms.require, forms.import),
  refusal: await ofTheOtherForm(forms.import, forms.require),
};
console.log(JSON.stringify(answers));
process.exit(0);
