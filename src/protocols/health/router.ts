import Router from '@koa/router'
import type { Service } from '../../http/service.ts'
import { crlFileStore } from '../../store/crls.ts'
import { certificateStore } from '../../store/certificates.ts'
import { findingsOnLists, type Findings } from './lists.ts'
import { metricsText, type Metric } from './metrics.ts'

/** `/healthz`: the process answers. `/readyz`: it could do its work, with warnings. `/metrics`: Prometheus' text format. */
export function healthRouter(service: Service): Router {
  const router = new Router()
  router.get('/healthz', ctx => {
    ctx.set('cache-control', 'no-store')
    ctx.body = { status: 'ok' }
  })
  router.get('/readyz', async ctx => {
    ctx.set('cache-control', 'no-store')
    const { problems, warnings } = await findingsOf(service)
    ctx.status = problems.length === 0 ? 200 : 503
    ctx.body = { status: problems.length === 0 ? 'ready' : 'not ready', problems, warnings: [...warnings, ...warningsOf(service)] }
  })
  router.get('/metrics', async ctx => {
    ctx.set('cache-control', 'no-store')
    ctx.type = 'text/plain; version=0.0.4; charset=utf-8'
    ctx.body = metricsText(await metricsOf(service))
  })
  return router
}

async function findingsOf(service: Service): Promise<Findings> {
  try {
    return await findingsOnLists(service)
  } catch {
    return { problems: ['the database does not answer'], warnings: [] }
  }
}

const isLoopback = (url: string): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname)

function warningsOf(service: Service): string[] {
  const { config, anchors, notifications } = service
  return [
    ...isLoopback(config.pkiUrl) ? ['LATCHKEY_PKI_URL is a loopback address: device certificates carry it, and no front end elsewhere can follow it'] : [],
    ...isLoopback(config.url) ? ['LATCHKEY_URL is a loopback address: no phone can reach it'] : [],
    ...!config.url.startsWith('https:') ? ['LATCHKEY_URL is not https: phones need publicly trusted TLS in front'] : [],
    ...!notifications.arrive() ? ['notifications of the database do not arrive: revocations made at other instances are seen up to a second late (DATABASE_DIRECT_URL must lead past a transaction pooler)'] : [],
    ...anchors.some(anchor => anchor.test) ? ['LATCHKEY_TEST_DEVICE_CA is set: simulated phones get certificates'] : [],
  ]
}

async function metricsOf(service: Service): Promise<Metric[]> {
  const now = service.now()
  const seconds = (instant: Date): number => Math.floor(instant.getTime() / 1000)
  const authorities = service.authorities()
  const lists: Metric['values'] = []
  const ages: Metric['values'] = []
  // One that has ended publishes no more, and need not.
  for (const authority of authorities.all.filter(({ certificate }) => now <= certificate.notAfter)) {
    for (const crl of await crlFileStore(service.db).latest(authority.id)) {
      const labels = { authority: authority.name, scope: crl.scope, partition: String(crl.partition) }
      lists.push({ labels, value: seconds(crl.nextUpdate) })
      ages.push({ labels, value: crl.crlNumber })
    }
  }
  return [
    { name: 'latchkey_certificate_rows', help: 'Certificates on record, our own signers included, as the planner of PostgreSQL estimates it.', type: 'gauge', values: [{ labels: {}, value: await certificateStore(service.db).estimate() }] },
    { name: 'latchkey_crl_next_update_timestamp_seconds', help: 'When each published list has to be replaced at the latest.', type: 'gauge', values: lists },
    { name: 'latchkey_crl_number', help: 'cRLNumber of each published list.', type: 'gauge', values: ages },
    { name: 'latchkey_signer_not_after_timestamp_seconds', help: 'End of each signer that is in force.', type: 'gauge', values: authorities.signers.filter(({ certificate }) => certificate.notAfter > now).map(signer => ({ labels: { authority: authorities.all.find(({ id }) => id === signer.authorityId)?.name ?? '', purpose: signer.purpose, id: String(signer.id) }, value: seconds(signer.certificate.notAfter) })) },
    { name: 'latchkey_test_device_ca', help: '1 while simulated phones are trusted.', type: 'gauge', values: [{ labels: {}, value: service.anchors.some(anchor => anchor.test) ? 1 : 0 }] },
    { name: 'process_resident_memory_bytes', help: 'Resident memory.', type: 'gauge', values: [{ labels: {}, value: process.memoryUsage.rss() }] },
  ]
}
