import { applyDecorators } from '@nestjs/common';
import { OpenApi } from '@countersign/service-host';

/**
 * What a route for browsers answers, for /openapi.json: `@Answers({ 200: 'the page', 303: 'to the sign-in' })`. Without it, the document would name
 * only the status that Nest takes for such a route.
 */
export function Answers(answers: Readonly<Record<number, string>>): MethodDecorator {
  return OpenApi(({ ApiResponse }) =>
    applyDecorators(
      ...Object.entries(answers).map(([status, description]) =>
        ApiResponse({
          status: Number(status),
          description,
          ...(status.startsWith('3') ? {} : { content: { 'text/html': {} } }),
        }),
      ),
    ),
  );
}
