import type { z } from 'zod'
import type { Operation } from '../protocols/api/operation.ts'
import type { Context } from './command.ts'

/** Writes a whole list as comma-separated values, page by page. @param head  whether its first line names the columns */
export async function writeCsv<Input extends z.ZodType, Output extends z.ZodType>({ client, world }: Pick<Context, 'client' | 'world'>, list: Operation<Input, Output>, input: z.input<Input>, head = true): Promise<void> {
  if (head) world.stdout.write(list.csv!.head)
  for (let cursor: string | undefined, last = false; !last;) {
    const { items, next } = await client.call(list, { ...input as object, limit: 500, cursor } as z.input<Input>) as { items: readonly unknown[], next: string | null }
    world.stdout.write(items.map(item => list.csv!.line(item)).join(''))
    last = next === null
    cursor = next ?? undefined
  }
}
