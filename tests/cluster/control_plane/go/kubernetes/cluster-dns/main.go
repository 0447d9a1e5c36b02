// Command cluster-dns answers A queries for the names of Services, SERVICE.NAMESPACE.svc.cluster.local,
// as the cluster DNS of a Kubernetes cluster does. Any other name does not exist.
//
// Usage: cluster-dns KUBECONFIG ADDRESS:PORT
package main

import (
	"context"
	"log"
	"net"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	suffix     = ".svc.cluster.local."
	ttlSeconds = 1
	// An ExternalName may name another ExternalName; KServe's do so once.
	maxAliases = 3
)

type names struct {
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

// addresses returns the addresses of a Service, and whether the name exists.
func (n names) addresses(name string, aliases int) ([]net.IP, bool) {
	prefix, inside := strings.CutSuffix(strings.ToLower(name), suffix)
	service, namespace, whole := strings.Cut(prefix, ".")
	if !inside || !whole || aliases > maxAliases {
		return nil, false
	}
	found, err := n.services.Services(namespace).Get(service)
	if err != nil {
		return nil, false
	}
	if found.Spec.Type == corev1.ServiceTypeExternalName {
		return n.addresses(strings.TrimSuffix(found.Spec.ExternalName, ".")+".", aliases+1)
	}
	if found.Spec.ClusterIP != corev1.ClusterIPNone {
		return []net.IP{net.ParseIP(found.Spec.ClusterIP)}, true
	}
	return n.endpoints(namespace, service), true
}

func (n names) endpoints(namespace, service string) []net.IP {
	selector := labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: service})
	slices, err := n.slices.EndpointSlices(namespace).List(selector)
	if err != nil {
		return nil
	}
	var found []net.IP
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			for _, address := range endpoint.Addresses {
				found = append(found, net.ParseIP(address))
			}
		}
	}
	return found
}

func (n names) answer(query []byte) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(query); err != nil {
		return nil, err
	}
	message.Response, message.Authoritative, message.Additionals = true, true, nil
	for _, question := range message.Questions {
		found, exists := n.addresses(question.Name.String(), 0)
		if !exists {
			message.RCode = dnsmessage.RCodeNameError
		}
		if question.Type != dnsmessage.TypeA {
			continue
		}
		header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: ttlSeconds}
		for _, ip := range found {
			if four := ip.To4(); four != nil {
				body := &dnsmessage.AResource{A: [4]byte(four)}
				message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: body})
			}
		}
	}
	return message.Pack()
}

func serve(known names, socket net.PacketConn) {
	buffer := make([]byte, 4096)
	for {
		size, client, err := socket.ReadFrom(buffer)
		if err != nil {
			log.Fatal(err)
		}
		reply, err := known.answer(buffer[:size])
		if err != nil {
			log.Printf("a query that cannot be read: %v", err)
			continue
		}
		if _, err := socket.WriteTo(reply, client); err != nil {
			log.Printf("an answer that cannot be sent: %v", err)
		}
	}
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	factory := informers.NewSharedInformerFactory(kubernetes.NewForConfigOrDie(config), 0)
	known := names{
		services: factory.Core().V1().Services().Lister(),
		slices:   factory.Discovery().V1().EndpointSlices().Lister(),
	}
	factory.Start(context.Background().Done())
	factory.WaitForCacheSync(context.Background().Done())
	socket, err := net.ListenPacket("udp", os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	serve(known, socket)
}
