import type { Context } from 'koa'
import type { z } from 'zod'
import { CaError } from '../errors.ts'
import { assertRole } from '../http/actor.ts'
import type { Service } from '../http/service.ts'
import { mayActAs, sessionOf } from '../http/session.ts'
import type { Operation } from '../protocols/api/operation.ts'

/**
 * Does what the API would do, for whoever is signed in.
 *
 * @throws {CaError} forbidden; invalid-argument, naming every place that is wrong; and what the operation throws
 */
export async function perform<Input extends z.ZodType, Output extends z.ZodType>(ctx: Context, service: Service, operation: Operation<Input, Output>, input: z.input<Input>): Promise<z.input<Output>> {
  const { actor } = sessionOf(ctx)
  assertRole(actor, operation.role)
  const { success, data, error } = operation.input.safeParse(input)
  if (success) return await operation.run(service, actor, data)
  throw new CaError('invalid-argument', error.issues.slice(0, 5).map(({ path, message }) => path.length === 0 ? message : `${path.join('.')}: ${message}`).join('; '))
}

/** Whether a button for it is worth showing. */
export const mayPerform = (ctx: Context, { role }: Pick<Operation, 'role'>): boolean => mayActAs(ctx, role)

/** The one value of a name in the address; '' where it is not there, or several times. */
export function queryOf(ctx: Context, name: string): string {
  const value = ctx.query[name]
  return typeof value === 'string' ? value.trim() : ''
}

/** The address with these names in its query, without those that are empty. */
export function address(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '')
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`
}

/** What went wrong when a form was sent, to be said above it; anything else goes on its way. */
export function refusalOf(error: unknown, ...codes: CaError['code'][]): string {
  if (!(error instanceof CaError) || !['invalid-argument', ...codes].includes(error.code)) throw error
  // Where it stands in the operation's input is nothing to a reader of the page; its last name is that of the field.
  const message = error.message.replaceAll(/(?<![\w.])(?:\w+\.)+(\w+): /g, '$1: ')
  return `${message.slice(0, 1).toUpperCase()}${message.slice(1)}.`
}
