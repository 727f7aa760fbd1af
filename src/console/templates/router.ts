import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { requireRole } from '../../http/session.ts'
import { templateCheck, templateList, templateSet, templateShow } from '../../protocols/api/operations/templates.ts'
import type { Markup } from '../html.ts'
import { consolePage, sendFragment } from '../layout.ts'
import { mayPerform, perform } from '../perform.ts'
import { csrfField } from '../words.ts'
import { editorPage, fieldsInWords, listPage, type Editor } from './pages.ts'
import { notJson, preview } from './preview.ts'

const current = 'templates'
const scripts = ['template.js']
/** A page of the console stays below 150 kB; a template with large pictures is written by command. */
const maxTextBytes = 60_000
const maxFormBytes = 256 * 1024

export function templatesRouter(service: Service): Router {
  const router = new Router({ prefix: '/console/templates' })
  router.get('/', async ctx => {
    const { items } = await perform(ctx, service, templateList, {})
    consolePage(ctx, { title: 'Templates', current, body: listPage(items, mayPerform(ctx, templateSet), service.now()) })
  })
  router.get('/new', requireRole('admin'), async ctx => {
    const text = textOf((await perform(ctx, service, templateShow, { name: 'default' })).template)
    answer(service, ctx, { name: undefined, text, since: '', preview: (await check(service, ctx, text)).markup })
  })
  router.post('/check', async ctx => { sendFragment(ctx, (await check(service, ctx, (await readForm(ctx, maxFormBytes)).raw('text'))).markup) })
  router.post('/', async ctx => await write(service, ctx))
  router.get('/:name', async ctx => await show(service, ctx, String(ctx.params['name'])))
  return router
}

/** In the order of the list beside the editor; the store has another. */
const textOf = (template: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(Object.fromEntries(fieldsInWords.flatMap(([field]) => field in template ? [[field, template[field]]] : [])), null, 2)

function answer(service: Service, ctx: Context, editor: Omit<Editor, 'csrf' | 'now'>, status = 200): void {
  const csrf = mayPerform(ctx, templateSet) ? csrfField(ctx) : undefined
  consolePage(ctx, { title: editor.name ?? 'A new template', current, status, scripts, body: editorPage({ ...editor, csrf, now: service.now() }) })
}

async function show(service: Service, ctx: Context, name: string): Promise<void> {
  if (!templateShow.input.safeParse({ name }).success) throw new CaError('template-not-found', 'there is no template of this name')
  const found = await perform(ctx, service, templateShow, { name })
  const text = textOf(found.template)
  if (Buffer.byteLength(text) > maxTextBytes) throw new CaError('body-too-large', `this template is too large for a page; npx latchkey template show ${name} prints it, and template set writes it`)
  answer(service, ctx, {
    name, text, since: found.updatedAt, preview: (await check(service, ctx, text)).markup, written: 'written' in ctx.query, updated: { at: new Date(found.updatedAt), by: found.updatedBy },
  })
}

type Checked = { markup: Markup, template: unknown, good: boolean }

async function check(service: Service, ctx: Context, text: string): Promise<Checked> {
  if (Buffer.byteLength(text) > maxTextBytes) return { markup: notJson('It is too large for a page; npx latchkey template set writes it.'), template: undefined, good: false }
  let template: unknown
  try {
    template = JSON.parse(text)
  } catch (error) {
    return { markup: notJson(`${(error as Error).message}.`), template: undefined, good: false }
  }
  const checked = await perform(ctx, service, templateCheck, { template })
  return { markup: preview(template, checked), template, good: checked.preview !== null }
}

async function write(service: Service, ctx: Context): Promise<void> {
  const form = await readForm(ctx, maxFormBytes)
  const [name, text, since] = [form.get('name'), form.raw('text'), form.get('since')]
  const { markup, template, good } = await check(service, ctx, text)
  const isNew = since === ''
  const again = (refusal: string | undefined, nameMistake?: string, status = 400): void => {
    answer(service, ctx, { name: isNew ? undefined : name, givenName: name, text, since, preview: markup, refusal, nameMistake }, status)
  }
  // Whoever may not write learns so before anything else.
  if (!mayPerform(ctx, templateSet)) await perform(ctx, service, templateSet, { name: 'default', template })
  if (form.get('only') === 'check') return again(undefined, undefined, 200)
  if (!templateShow.input.safeParse({ name }).success) return again('Nothing was written.', 'Use lower-case letters, digits and hyphens, and begin with a letter or digit.')
  if (!good) return again('Nothing was written. What is wrong stands beside the text.')
  try {
    await perform(ctx, service, templateSet, { name, template, since: isNew ? null : since })
  } catch (error) {
    if (!(error instanceof CaError) || error.code !== 'conflict') throw error
    return again(isNew ? 'Nothing was written. There is a template of this name already.' : `Nothing was written: ${error.message}. Open it again to see what stands there now.`, undefined, 409)
  }
  ctx.status = 303
  ctx.redirect(`/console/templates/${name}?written`)
}
