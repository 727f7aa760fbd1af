import type { z } from 'zod'
import type { Actor, Role } from '../../http/actor.ts'
import type { Service } from '../../http/service.ts'

/** How the items of a list stand in comma-separated values; what people wrote is text there, never a formula. */
export type CsvForm = { readonly fileName: string, readonly head: string, line(item: any): string }

export type Method = 'get' | 'post' | 'put' | 'delete'

/**
 * One thing that can be asked of the service. The router, the OpenAPI document and the console are made
 * from this, so nothing can be there and not be documented.
 *
 * `path` is under /api/v1, with parameters as `{name}`. They, the query (get, delete) and the members of the
 * JSON body (post, put) together are the input: every name stands in one place only.
 */
export type Operation<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> = {
  readonly id: string
  readonly method: Method
  readonly path: string
  readonly summary: string
  /** The least role that may ask. */
  readonly role: Role
  /** Everybody may ask it about themselves, and it changes something all the same: a scope that only reads is not enough. */
  readonly changesOwn?: true
  readonly input: Input
  readonly output: Output
  readonly status: 200 | 201
  readonly maxBodyBytes: number
  /** Of a paged list that is also given whole, as text/csv. */
  readonly csv: CsvForm | undefined
  run(service: Service, actor: Actor, input: z.output<Input>): Promise<z.input<Output>>
}

const defaultMaxBodyBytes = 1024 * 1024

export function operation<Input extends z.ZodType, Output extends z.ZodType>(
  definition: Omit<Operation<Input, Output>, 'status' | 'maxBodyBytes' | 'csv'> & Partial<Pick<Operation, 'status' | 'maxBodyBytes' | 'csv'>>,
): Operation<Input, Output> {
  return { status: 200, maxBodyBytes: defaultMaxBodyBytes, csv: undefined, ...definition }
}

/** Names of the parameters in a path. */
export const parametersOf = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1]!)
