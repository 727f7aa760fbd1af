import { z } from 'zod'
import { grantFor } from './operations.ts'
import { parametersOf, type Operation } from './operation.ts'

type Json = Record<string, unknown>

/** The OpenAPI 3.1 document of these operations. Made from the table that the routes are made from. */
export function openApiDocument(operations: readonly Operation[], url: string): Json {
  const paths: Record<string, Json> = {}
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method] = describe(operation)
  return {
    openapi: '3.1.0',
    info: { title: 'Latchkey', version: '1', description: 'Refusals are problem documents (RFC 9457) with a stable `code`.' },
    servers: [{ url }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: { problem: { description: 'A refusal.', content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } } } },
      schemas: { Problem: problemSchema },
    },
  }
}

const problemSchema: Json = {
  type: 'object',
  properties: {
    type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' },
    code: { type: 'string', description: 'Stable: branch on this.' },
  },
  required: ['type', 'title', 'status'],
}

function describe(operation: Operation): Json {
  const { properties, required, ...schema } = schemaOf(operation.input, 'input') as Json & { properties: Record<string, Json>, required?: string[] }
  const inPath = parametersOf(operation.path)
  const others = Object.keys(properties).filter(name => !inPath.includes(name))
  const isRequired = (name: string): boolean => required?.includes(name) ?? false
  const inQuery = operation.method === 'get' || operation.method === 'delete' ? others : []
  const requiredInBody = others.filter(isRequired)
  return {
    operationId: operation.id,
    summary: operation.summary,
    description: `Needs the role ${operation.role}; of a token with a scope, ${grantFor(operation)}.`,
    'x-scope': grantFor(operation),
    parameters: [
      ...inPath.map(name => ({ name, in: 'path', required: true, schema: properties[name] })),
      ...inQuery.map(name => ({ name, in: 'query', required: isRequired(name), schema: properties[name] })),
    ],
    ...operation.method === 'get' || operation.method === 'delete' ? {} : {
      requestBody: { required: true, content: { 'application/json': { schema: {
        ...schema, properties: Object.fromEntries(others.map(name => [name, properties[name]])),
        ...requiredInBody.length === 0 ? {} : { required: requiredInBody },
      } } } },
    },
    responses: {
      [operation.status]: { description: 'Done.', content: {
        'application/json': { schema: schemaOf(operation.output, 'output') },
        ...operation.csv === undefined ? {} : { 'text/csv': { schema: { type: 'string', description: 'The whole list, whatever the limit.' } } },
      } },
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

/** Without the line that names the dialect: 2020-12 is what OpenAPI 3.1 has anyway. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' })
  return rest
}
