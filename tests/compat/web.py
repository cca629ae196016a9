"""The web server of the cases: HTTP and HTTPS on loopback, which say the same each time.

/file/NAME gives NAME and a newline, /status/N that status, /echo what was sent as JSON, /login what needs the login tide:secret,
/redirect leads to /file/moved, /to/HOST/PATH to http://HOST/PATH, /around to itself, /gzip is sent compressed, /cookies sets one,
/lines are some that end in each way. @HTTPS@ is the same with a certificate of the folder @TLS@'s authority, @MUTUAL@ wants one of the
client, too; @SOCKET@ is the same on a socket with that path.
"""
import base64
import gzip
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading

LOGIN = "Basic " + base64.b64encode(b"tide:secret").decode()
TOLD = ("accept", "content-type", "x-tide", "user-agent", "authorization", "cache-control", "if-modified-since")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def version_string(self):
        return "tide"

    def date_time_string(self, timestamp=None):
        return "Wed, 01 Jan 2020 00:00:00 GMT"

    def log_message(self, format, *args): # pylint: disable=redefined-builtin
        pass

    def reply(self, status, body=b"", kind="text/plain", **headers):
        self.send_response(status)
        if status not in (204, 304):
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def echo(self, sent):
        headers = {name: value for name, value in self.headers.items() if name.lower() in TOLD}
        said = {"method": self.command, "path": self.path, "body": sent.decode("utf-8", "replace"), "headers": {n.lower(): v for n, v in headers.items()}}
        self.reply(200, json.dumps(said, sort_keys=True).encode(), "application/json")

    def answer(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0].split("/")[1:]
        match path:
            case ["file", *rest]:
                self.reply(200, ("/".join(rest) + "\n").encode(), Last_Modified="Wed, 01 Jan 2020 00:00:00 GMT")
            case ["status", number]:
                self.reply(int(number), b"" if number == "204" else b"status " + number.encode())
            case ["echo", *_]:
                self.echo(sent)
            case ["json"]:
                self.reply(200, b'{"tide": "high", "levels": [1, 2.5, null]}', "application/json")
            case ["login"]:
                if self.headers.get("Authorization") == LOGIN:
                    self.reply(200, b"welcome\n")
                else:
                    self.reply(401, b"who?\n", WWW_Authenticate='Basic realm="tide"')
            case ["redirect"]:
                self.reply(302, Location="/file/moved")
            case ["to", *rest]:
                self.reply(302, Location="http://" + "/".join(rest))
            case ["around"]:
                self.reply(302, Location="/around")
            case ["lines"]:
                self.reply(200, "one\r\ntwo\n\n\u00fcber \u2028 x\rlast".encode())
            case ["gzip"]:
                self.reply(200, gzip.compress(b"unpacked\n", mtime=0), Content_Encoding="gzip")
            case ["cookies"]:
                self.reply(200, b"cookies\n", Set_Cookie="a=b; Path=/")
            case _:
                self.reply(404, b"not here\n")

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = answer


def certificates(folder):
    """An authority, and certificates of it for the server and for a client; PEM files."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    os.makedirs(folder)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=tide authority")
    with open(os.path.join(folder, "names"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", name + ".pem", "-days", "2",
                "-extfile", "names")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address): # a client that does not like the certificate
        pass


class SocketServer(Server):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "tide", 0

    def get_request(self):
        return self.socket.accept()[0], ("", 0)


class Web:
    """All servers; places are "127.0.0.1:PORT" and the path of the socket, by the names that stand for them."""

    def __init__(self, folder):
        certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
        mutual = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        mutual.load_cert_chain(os.path.join(folder, "server.pem"), os.path.join(folder, "server.key"))
        mutual.load_verify_locations(os.path.join(folder, "ca.pem"))
        mutual.verify_mode = ssl.CERT_REQUIRED
        self.places = {"@HTTP@": self.start(None), "@HTTPS@": self.start(context), "@MUTUAL@": self.start(mutual),
                       "@SOCKET@": self.start_on(os.path.join(folder, "socket"))}

    def start_on(self, path):
        threading.Thread(target=SocketServer(path, Handler).serve_forever, daemon=True).start()
        return path

    def start(self, context):
        server = Server(("127.0.0.1", 0), Handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"127.0.0.1:{server.server_port}"
