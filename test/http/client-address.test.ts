import test from 'ava'
import { clientAddress } from '../../src/http/client-address.ts'

test('without trusted proxies the peer is the client, whatever it forwards', t => {
  t.is(clientAddress('192.0.2.7', '10.0.0.1', []), '192.0.2.7')
})

test('behind a trusted proxy the nearest untrusted hop is the client, not what it claims further out', t => {
  t.is(clientAddress('127.0.0.1', '198.51.100.9, 203.0.113.5', ['127.0.0.1']), '203.0.113.5')
  t.is(clientAddress('::ffff:10.1.2.3', '203.0.113.5, 10.9.9.9', ['10.0.0.0/8']), '203.0.113.5')
  t.is(clientAddress('2001:db8::1', '203.0.113.5', ['2001:db8::/32']), '203.0.113.5')
})

test('a hop that is no address ends the walk', t => {
  t.is(clientAddress('127.0.0.1', 'nonsense', ['127.0.0.1']), '127.0.0.1')
  t.is(clientAddress('127.0.0.1', '', ['127.0.0.1']), '127.0.0.1')
})
