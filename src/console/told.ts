/** The page after a form that made a secret: it can be read again for a while, and sends no form again. */
import type { Context } from 'koa'
import { seeOther } from '../http/form.ts'
import type { Service } from '../http/service.ts'
import { showOnce, shownMinutes, shownOnce } from '../http/shown-once.ts'
import { html } from './html.ts'
import { consolePage } from './layout.ts'
import type { SectionId } from './sections.ts'

/** Leads to `path` with an id that opens `value` there. */
export async function tellAt(ctx: Context, service: Service, path: string, value: unknown): Promise<void> {
  seeOther(ctx, `${path}/${await showOnce(ctx, service, value)}`)
}

/** @returns what is told there; undefined when that is over, and a page has said so */
export async function told<T>(ctx: Context, service: Service, current: SectionId, back: string): Promise<T | undefined> {
  const value = await shownOnce(ctx, service, String((ctx as Context & { params: Record<string, string> }).params['shown'])) as T | undefined
  if (value !== undefined) return value
  consolePage(ctx, {
    title: 'Told already', current, status: 404,
    body: html`<section><h1>This was told already</h1><p>What stood here is shown for ${shownMinutes} minutes, to the browser that asked for it. Latchkey keeps no copy that anybody can read.</p><p><a class="button main" href="${back}">Back</a></p></section>`,
  })
  return undefined
}
