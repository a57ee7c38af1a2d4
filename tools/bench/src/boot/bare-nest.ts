import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

@Controller()
class ReadyController {
  @Get('ready')
  ready(): object {
    return { status: 'ready' };
  }
}

@Module({ controllers: [ReadyController] })
class BareModule {}

// Node keeps what it compiled when a process ends by itself.
process.once('SIGTERM', () => process.exit(0));
const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), { logger: false });
await app.listen(Number(process.env['PORT']), '127.0.0.1');
