const http = require('http');
let count = 0;
http.createServer((request, answer) => {
  if (request.url === '/end') { answer.end('bye'); process.exit(0); }
  count++;
  answer.end(request.url + ' ' + count);
}).listen(Number(process.argv[2]), '127.0.0.1');
