import type { z } from 'zod'
import { CaError } from '../../errors.ts'
import type { Actor } from '../../http/actor.ts'
import type { Service } from '../../http/service.ts'
import type { CsvForm } from './operation.ts'

type Page = { items: readonly unknown[], next: string | null }
/** A list that is read page by page, and says how its items stand in comma-separated values. */
export type CsvList<Input> = { readonly csv: CsvForm | undefined, readonly input: z.ZodType<Input>, run(service: Service, actor: Actor, input: Input): Promise<unknown> }

const rowsPerPage = 500

/**
 * A whole list, page by page as it is read, however long it is. The first page is read before anything is given,
 * so that a refusal is still one. Begins with a byte order mark: without it spreadsheets take UTF-8 for something else.
 */
export async function csvOf<Input>(list: CsvList<Input>, service: Service, actor: Actor, input: Input): Promise<AsyncGenerator<string>> {
  const { csv } = list
  if (csv === undefined) throw new CaError('invalid-argument', 'this is given as JSON only')
  const pageAfter = async (cursor: string | null): Promise<Page> => await list.run(service, actor, { ...input as object, limit: rowsPerPage, ...cursor !== null && { cursor } } as Input) as Page
  const first = await pageAfter(null)
  return (async function * lines() {
    yield `\uFEFF${csv.head}`
    for (let page = first; ; page = await pageAfter(page.next)) {
      yield page.items.map(item => csv.line(item)).join('')
      if (page.next === null) return
    }
  })()
}
