// Receives the webhook of Latchkey and believes only what is signed: LATCHKEY_WEBHOOK_SECRET=… node receive.mjs 8090
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray()).toString()
  const { 'latchkey-timestamp': timestamp = '', 'latchkey-signature': signature = '', 'latchkey-delivery': delivery } = request.headers
  const wanted = `sha256=${createHmac('sha256', process.env.LATCHKEY_WEBHOOK_SECRET).update(`${timestamp}.${body}`).digest('hex')}`
  const genuine = signature.length === wanted.length && timingSafeEqual(Buffer.from(signature), Buffer.from(wanted))
  const recent = Math.abs(Date.now() / 1000 - Number(timestamp)) < 300
  if (genuine && recent) console.log(delivery, JSON.parse(body).event)
  response.writeHead(genuine && recent ? 204 : 403).end()
}).listen(Number(process.argv[2]), '127.0.0.1', () => { console.log('listening') })
