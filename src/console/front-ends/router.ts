import Router from '@koa/router'
import type { Context } from 'koa'
import { CaError } from '../../errors.ts'
import { assertRole } from '../../http/actor.ts'
import { readForm, seeOther } from '../../http/form.ts'
import type { Service } from '../../http/service.ts'
import { sessionOf } from '../../http/session.ts'
import { frontEndEnforcement } from '../../protocols/api/operations/enforcement.ts'
import { frontEndActiveSync, frontEndAdd, frontEndEnd, frontEndList } from '../../protocols/api/operations/front-ends.ts'
import { asks } from '../../protocols/check/kinds.ts'
import type { GateAction } from '../../store/activesync.ts'
import { fieldMistakes } from '../field-mistakes.ts'
import { consolePage } from '../layout.ts'
import { mayPerform, perform, queryOf } from '../perform.ts'
import { tellAt, told } from '../told.ts'
import { frontEndsPage, type FrontEndView } from './list-page.ts'
import { addedFrontEndPage, newFrontEndPage, type NewFrontEnd } from './new-page.ts'
import { endFrontEndPage, frontEndPage } from './show-page.ts'

const path = '/console/front-ends'
const doneTexts: Readonly<Record<string, string>> = { ended: 'It has ended, and lets nobody in any more.', kept: 'Kept. It counts from the next request on.' }
const doneTextOf = (ctx: Context): string | undefined => { const done = queryOf(ctx, 'done'); return Object.hasOwn(doneTexts, done) ? doneTexts[done] : undefined }

export function frontEndsRouter(service: Service): Router {
  const router = new Router({ prefix: path })
  router.get('/', async ctx => {
    const [{ items }, { items: enforced, change }] = [await perform(ctx, service, frontEndList, {}), await perform(ctx, service, frontEndEnforcement, {})]
    const byName = new Map(enforced.map(item => [item.name, item]))
    consolePage(ctx, { title: 'Front ends', current: 'front-ends', body: frontEndsPage(ctx, { items, enforced: byName, change, mayChange: mayPerform(ctx, frontEndAdd), doneText: doneTextOf(ctx), now: service.now() }) })
  })
  router.get('/new', ctx => { form(ctx, service, {}) })
  router.post('/new', async ctx => { await add(ctx, service) })
  router.get('/added/:shown', async ctx => {
    const added = await told<Parameters<typeof addedFrontEndPage>[0]>(ctx, service, 'front-ends', path)
    if (added !== undefined) consolePage(ctx, { title: 'A new front end', current: 'front-ends', body: addedFrontEndPage(added) })
  })
  router.get('/:name', async ctx => {
    const frontEnd = await frontEndOf(ctx, service)
    const { items, change } = await perform(ctx, service, frontEndEnforcement, {})
    consolePage(ctx, {
      title: frontEnd.name, current: 'front-ends',
      body: frontEndPage(ctx, {
        frontEnd, enforced: items.find(item => item.name === frontEnd.name), change, checkUrl: asks(frontEnd.convention) ? `${service.config.url}/check/${frontEnd.name}` : undefined,
        mayChange: mayPerform(ctx, frontEndEnd), doneText: doneTextOf(ctx), now: service.now(),
      }),
    })
  })
  router.post('/:name/activesync', async ctx => {
    const { name } = await frontEndOf(ctx, service, frontEndActiveSync)
    await perform(ctx, service, frontEndActiveSync, { name, action: (await readForm(ctx)).get('action') as GateAction })
    seeOther(ctx, `${path}/${name}?done=kept`)
  })
  router.get('/:name/end', async ctx => {
    const frontEnd = await frontEndOf(ctx, service, frontEndEnd)
    consolePage(ctx, { title: `End ${frontEnd.name}`, current: 'front-ends', body: endFrontEndPage(ctx, frontEnd) })
  })
  router.post('/:name/end', async ctx => {
    const { name } = await frontEndOf(ctx, service, frontEndEnd)
    await readForm(ctx)
    await perform(ctx, service, frontEndEnd, { name })
    seeOther(ctx, `${path}?done=ended`)
  })
  return router
}

/** @throws {CaError} forbidden, front-end-not-found */
async function frontEndOf(ctx: Context, service: Service, operation: Pick<typeof frontEndEnd, 'role'> = frontEndList): Promise<FrontEndView> {
  assertRole(sessionOf(ctx).actor, operation.role)
  const found = (await perform(ctx, service, frontEndList, {})).items.find(({ name }) => name === ctx['params']['name'])
  if (found === undefined) throw new CaError('front-end-not-found', 'there is no front end of this name')
  return found
}

function form(ctx: Context, service: Service, values: NewFrontEnd, mistakes: Readonly<Record<string, string>> = {}): void {
  assertRole(sessionOf(ctx).actor, frontEndAdd.role)
  const authorities = service.authorities().all.filter(({ role }) => role === 'issuing').map(({ name }) => name)
  consolePage(ctx, { title: 'Add a front end', current: 'front-ends', body: newFrontEndPage(ctx, { values, mistakes, authorities }), ...Object.keys(mistakes).length > 0 && { status: 400 } })
}

async function add(ctx: Context, service: Service): Promise<void> {
  assertRole(sessionOf(ctx).actor, frontEndAdd.role)
  const sent = await readForm(ctx)
  const values: NewFrontEnd = { name: sent.get('name'), kind: sent.get('kind'), authority: sent.get('authority'), minutes: sent.get('minutes'), whenStale: sent.get('whenStale') }
  const { name, kind, authority, minutes = '', whenStale } = values
  const input = frontEndAdd.input.safeParse({ name, kind, ...authority !== '' && { authority }, maxAgeSeconds: /^\d{1,6}$/.test(minutes) ? Number(minutes) * 60 : 0, whenStale })
  if (!input.success) return form(ctx, service, values, fieldMistakes(input.error))
  try {
    const { secret, checkUrl } = await frontEndAdd.run(service, sessionOf(ctx).actor, input.data)
    await tellAt(ctx, service, `${path}/added`, { name, secret, checkUrl })
  } catch (error) {
    if (!(error instanceof CaError) || !['front-end-exists', 'invalid-argument'].includes(error.code)) throw error
    form(ctx, service, values, error.code === 'front-end-exists' ? { name: 'There is one of this name already.' } : { authority: 'Serial numbers alone need the authority that gave them.' })
  }
}
