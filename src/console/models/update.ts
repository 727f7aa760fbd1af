/** Newer models and builds: pasted, looked at in numbers, and only then taken. */
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { catalogueCheck, catalogueUpdate } from '../../protocols/api/operations/catalogue.ts'
import { html, type Markup } from '../html.ts'
import { consolePage } from '../layout.ts'
import { perform } from '../perform.ts'
import { named } from '../status-words.ts'
import { tellAt, told } from '../told.ts'
import { csrfField, field } from '../words.ts'

const path = '/console/models/update'
type CatalogueFile = { version?: string, models?: unknown[], builds?: unknown[] }
type Checked = Awaited<ReturnType<typeof catalogueCheck.run>>

export function updateForm(ctx: Context, text: string, mistake?: string): void {
  consolePage(ctx, {
    title: 'Newer models and builds', current: 'models', ...mistake !== undefined && { status: 400 },
    body: html`<section><p class="soft"><a href="/console/models">Models</a></p><h1>Newer models and builds</h1><p>Rows replace those of the same identifier or build; nothing is taken out. What it changes is shown before it counts.</p></section>
<form method="post" action="${path}">${csrfField(ctx)}${field({
      label: 'The file', name: 'text', type: 'textarea', rows: 12, value: text, required: true, spellcheck: false, error: mistake,
      hint: html`JSON with <code>version</code>, <code>models</code> and <code>builds</code>, as in the product’s own data. More than 200 kB: <code>npx latchkey model update-catalogue</code>.`,
    })}<div class="actions"><button class="main" type="submit">See what it changes</button><a href="/console/models">Leave it</a></div></form>`,
  })
}

export async function checkUpdate(ctx: Context, service: Service): Promise<void> {
  const text = (await readForm(ctx)).raw('text')
  const file = parsed(text)
  if (file === undefined) return updateForm(ctx, text, 'This is not JSON of a catalogue file.')
  try {
    await perform(ctx, service, catalogueCheck, file)
  } catch (error) {
    if (!(error instanceof CaError) || !['malformed-catalogue', 'invalid-argument'].includes(error.code)) throw error
    return updateForm(ctx, text, `${error.message}.`)
  }
  await tellAt(ctx, service, path, file)
}

function parsed(text: string): CatalogueFile | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

export async function confirmUpdate(ctx: Context, service: Service): Promise<void> {
  const file = await told<CatalogueFile>(ctx, service, 'models', path)
  if (file === undefined) return
  const checked = await perform(ctx, service, catalogueCheck, file)
  consolePage(ctx, { title: 'Newer models and builds', current: 'models', body: confirmPage(ctx, checked) })
}

export async function takeUpdate(ctx: Context, service: Service): Promise<void> {
  await readForm(ctx)
  const file = await told<CatalogueFile>(ctx, service, 'models', path)
  if (file === undefined) return
  await perform(ctx, service, catalogueUpdate, file)
  seeOther(ctx, '/console/models?done=updated')
}

const mostNamed = 100

function confirmPage(ctx: Context, { version, added, changed, builds, approvals }: Checked): Markup {
  const count = (number: number, what: string): string => number === 0 ? `no ${what}s` : number === 1 ? `one ${what}` : `${number} ${what}s`
  const list = (title: string, models: Checked['added']): Markup | false => models.length > 0 && html`<section><h2>${title}</h2><ul>${models.slice(0, mostNamed).map(({ identifier, name }) => html`<li>${named(name.slice(0, 100))} <code>${named(identifier.slice(0, 100))}</code></li>`)}</ul>${models.length > mostNamed && html`<p class="soft">and ${models.length - mostNamed} more</p>`}</section>`
  const at = (ctx as Context & { params: Record<string, string> }).params['shown']!
  return html`<section><p class="soft"><a href="/console/models">Models</a> / <a href="${path}">Newer models and builds</a></p><h1>Catalogue of ${named(version)}</h1></section>
<section class="consequence"><h2>This adds ${count(added.length, 'model')} and ${count(builds.added, 'build')}, and changes ${count(changed.length, 'model')} and ${count(builds.changed, 'build')}.</h2>
${approvals.length === 0 ? html`<p>No approval by wildcard fits a model that is added.</p>` : approvals.slice(0, mostNamed).map(({ pattern, models }) => html`<p>Approved at once by <code>${pattern}</code>: ${models.length > mostNamed ? `${models.length} models` : models.join(', ')}.</p>`)}</section>
${list('Added', added)}${list('Changed', changed)}
<form method="post" action="${`${path}/${at}/take`}">${csrfField(ctx)}<div class="actions"><button class="main" type="submit">Take it</button><a href="/console/models">Leave it</a></div></form>`
}
