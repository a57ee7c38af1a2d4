// Verifies tokens as a Go service would: lines of "good TOKEN" and "bad TOKEN" on stdin.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

func main() {
	ctx := context.Background()
	keys := oidc.NewRemoteKeySet(ctx, os.Getenv("JWKS_URL"))
	verifier := oidc.NewVerifier(os.Getenv("ISSUER"), keys, &oidc.Config{
		ClientID:             os.Getenv("AUDIENCE"),
		SupportedSigningAlgs: []string{oidc.ES256},
	})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		kind, token, _ := strings.Cut(lines.Text(), " ")
		_, err := verifier.Verify(ctx, token)
		if (err == nil) != (kind == "good") {
			fmt.Printf("a %s token: %v\n", kind, err)
			os.Exit(1)
		}
	}
}
