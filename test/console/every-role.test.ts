/** Who may do what, over everything that can be asked for: an operation or a form that is added must be named here first. */
import test from 'ava'
import { operations } from '../../src/protocols/api/operations.ts'
import type { Role } from '../../src/store/access.ts'
import { openApi } from '../support/api.ts'
import { addressesOf, consoleRoutes, contentsOf, mayBeOver, openEverything } from '../support/console-routes.ts'
import { openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'

const order = ['auditor', 'operator', 'admin'] as const
const isBelow = (role: Role, least: Role): boolean => order.indexOf(role) < order.indexOf(least)

const ofOperators = ['inviteCreate', 'inviteBatch', 'inviteEnd', 'inviteResend', 'deviceApprove', 'deviceRefuse', 'deviceAcceptClaims', 'certRevoke', 'certHold', 'certRelease']
/** Anybody about themselves. */
const aboutOneself = ['adminNoticesChoose']
const asksOnly = ['policyExplain', 'templateCheck', 'catalogueCheck', 'activesyncExplain', 'importRewriteRules', 'importExchangeRules', 'importExchangeDevices']

test('operators invite, decide about phones and revoke; auditors read; all else is for admins', t => {
  for (const { id, method, role } of operations) {
    const least = ofOperators.includes(id) ? 'operator' : method === 'get' || asksOnly.includes(id) || aboutOneself.includes(id) ? 'auditor' : 'admin'
    t.is(role, least, id)
  }
})

for (const role of ['auditor', 'operator'] as const) {
  test(`by API: whatever is above an ${role} is refused with its code, and nothing is changed`, async t => {
    const service = await testService(t)
    const { call } = await openApi(t, service, role)
    const before = await contentsOf(service.db)
    // What everybody may change is their own, and these are somebody else's.
    const above = operations.filter(operation => isBelow(role, operation.role) || aboutOneself.includes(operation.id))
    t.true(above.length > 20)
    for (const { id, method, path } of above) {
      const { status, body } = await call(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, '00000000-0000-4000-8000-000000000000'), method === 'post' || method === 'put' ? id === 'adminNoticesChoose' ? { wanted: [] } : {} : undefined)
      t.deepEqual([status, body.code], [403, 'forbidden'], id)
    }
    t.deepEqual(await contentsOf(service.db), before)
  })
}

/** `own` is about oneself, `open` for who is not signed in. */
const leastOf: Readonly<Record<string, Role | 'own' | 'open'>> = {
  '/setup': 'open', '/console/sign-in': 'open', '/console/sign-in/recovery': 'open', '/console/sign-in/passkey': 'open',
  '/console/account/sessions/end': 'own', '/console/account/notices': 'own', '/console/account/passkey': 'own', '/console/account/passkey/end': 'own', '/console/account/codes': 'own', '/console/account/password': 'own',
  '/console/invitations': 'operator', '/console/invitations/many': 'operator', '/console/invitations/:id/end': 'operator', '/console/invitations/:id/resend': 'operator',
  '/console/quarantine/:id/approve': 'operator', '/console/quarantine/:id/refuse': 'operator',
  '/console/people/:id/:verb': 'operator', '/console/phones/:id/:verb': 'operator', '/console/phones/:id/accept-claims': 'operator', '/console/certificates/:certificate/:verb': 'operator',
  '/console/models/approve': 'admin', '/console/models/update': 'admin', '/console/models/update/:shown/take': 'admin', '/console/models/withdraw': 'admin', '/console/models/:identifier/withdraw': 'admin',
  '/console/policy/new': 'admin', '/console/policy/rules/:id/remove': 'admin', '/console/policy/exemptions/new': 'admin', '/console/policy/exemptions/:id/end': 'admin',
  '/console/policy/import/exchange': 'auditor', '/console/policy/import/rewrite': 'auditor', '/console/policy/import/people': 'auditor', '/console/policy/import/preview': 'admin',
  '/console/policy/changes/:id/apply': 'admin', '/console/policy/changes/:id/undo': 'admin',
  '/console/account/tokens': 'admin', '/console/account/tokens/end': 'admin',
  '/console/account/people': 'admin', '/console/account/people/link': 'admin', '/console/account/people/role': 'admin', '/console/account/people/end': 'admin',
  '/console/inventory/import': 'admin', '/console/inventory/require': 'admin', '/console/inventory/remove': 'admin',
  '/console/authority/renew-signers': 'admin',
  '/console/front-ends/new': 'admin', '/console/front-ends/:name/activesync': 'admin', '/console/front-ends/:name/end': 'admin',
  '/console/templates': 'admin', '/console/templates/check': 'auditor',
  '/console/sign-out': 'own',
}

test('every form of the console says here who may send it', async t => {
  const sent = consoleRoutes(await testService(t)).filter(({ method }) => method === 'POST').map(({ path }) => path)
  t.deepEqual([...sent].sort(), Object.keys(leastOf).sort())
})

const sendsTo = /<form method="post" action="([^"]*)"|formaction="([^"]*)"/g

for (const role of ['auditor', 'operator'] as const) {
  test(`by page: what an ${role} may not do is refused when it is sent, and no page of theirs offers it`, async t => {
    const { world: { service }, things } = await openEverything(t)
    const client = await openConsole(t, service, role)
    await client.get('/console/account')
    const routes = consoleRoutes(service)
    const forms = routes.filter(({ method }) => method === 'POST')
    const before = await contentsOf(service.db)
    for (const route of forms) {
      const least = leastOf[route.path]
      if (least === undefined || least === 'own' || least === 'open' || !isBelow(role, least)) continue
      for (const address of addressesOf(route, things)) {
        const { status, text } = await client.post(address, { reason: 'x', sure: 'yes', verdict: 'block', phone: things['/console/phones/:id']![0]!, action: 'leave', text: '{}' })
        t.is(status, 403, address)
        t.regex(text, new RegExp(`needs the role ${least}`), address)
      }
    }
    t.deepEqual(await contentsOf(service.db), before)

    const links = new Map<string, string>()
    for (const address of routes.filter(({ method }) => method === 'GET').flatMap(route => addressesOf(route, things))) {
      const { status, text } = await client.get(address)
      if (status !== 200) continue
      for (const [, form, button = form] of text.matchAll(sendsTo)) {
        const least = leastOf[forms.find(each => each.matches(button!))?.path ?? ''] ?? 'admin'
        t.true(least === 'own' || least === 'open' || !isBelow(role, least), `${address} offers ${button}`)
      }
      for (const [, href] of text.replaceAll('&amp;', '&').matchAll(/href="(\/console[^"#]*)/g)) {
        const route = routes.find(each => each.method === 'GET' && each.matches(href!.split('?')[0]!))
        // One of each kind: a page of five hundred models links to each.
        links.set(`${route?.path} ${[...new URLSearchParams(href!.split('?')[1]).keys()].join()}`, href!)
      }
    }
    t.true(links.size > 20)
    for (const href of links.values()) t.true((await client.get(href)).status < 400, `a page offers ${href}`)
  })
}

test('what is about oneself, and what reads only, is refused to nobody', async t => {
  const service = await testService(t)
  for (const role of order) {
    const client = await openConsole(t, service, role)
    for (const path of Object.keys(leastOf).filter(path => leastOf[path] === 'own' || leastOf[path] === 'auditor')) {
      await client.get('/console/account')
      t.not((await client.post(path, { text: '{}' })).status, 403, `${role} ${path}`)
    }
  }
})

test('an admin finds every page, and every form on it leads somewhere', async t => {
  const { world: { service }, things } = await openEverything(t)
  const client = await openConsole(t, service)
  const routes = consoleRoutes(service)
  for (const address of routes.filter(({ method }) => method === 'GET').flatMap(route => addressesOf(route, things))) {
    const { status, text } = await client.get(address)
    t.true(status < 400 || mayBeOver(address), `${address}: ${status}`)
    for (const [, form, button = form] of text.matchAll(sendsTo)) t.true(routes.some(route => route.method === 'POST' && route.matches(button!)), `${address} sends to ${button}`)
  }
})
